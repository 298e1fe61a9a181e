"""Turns and what is computed from them."""

import time

import numpy

LEAST = 50e-6  # seconds between two looks at the clock: reading it costs up to a microsecond
EVICTED = 0.02  # an inference that is quicker may find its weights in the caches: the first one of a turn brings them back and does not count


def turn(engine, seconds, clock, estimate):
    """Median seconds of an inference over a turn: as many samples as fill it, at least one."""
    if estimate < EVICTED:
        engine.seconds(1, clock)
    count = max(1, round(LEAST / estimate))
    samples = max(1, round(seconds / (estimate * count)))
    return float(numpy.median([engine.seconds(count, clock) for _ in range(samples)]))


def estimates(engines, clock):
    """{name: seconds} of the quickest of a few inferences."""
    return {name: min(engine.seconds(1, clock) for _ in range(2)) for name, engine in engines.items()}


def measure(engines, rounds, seconds, clock, known, pause=0.0, failed=None):
    """{name: array of one median per round}. Each round gives every engine one turn, in an order that rotates. One that fails goes into `failed`."""
    result, order = {name: [] for name in engines}, list(engines)
    for index in range(rounds):
        first = index % max(1, len(order))
        for name in order[first:] + order[:first]:
            time.sleep(pause)  # another engine's threads stop spinning
            try:
                result[name].append(turn(engines[name], seconds, clock, known[name]))
            except RuntimeError as problem:
                if failed is None:
                    raise
                failed[name] = str(problem)
                order.remove(name)
                del result[name]
    return {name: numpy.array(values) for name, values in result.items()}


def ratio_interval(theirs, ours):
    """Median of (theirs ÷ ours) over the rounds, which drift together, with the 95 % interval of a bootstrap over the rounds; None for the interval if the
    two were not measured in the same rounds."""
    if len(ours) != len(theirs):
        return float(numpy.median(theirs) / numpy.median(ours)), None, None
    ratios = theirs / ours
    picks = numpy.random.default_rng(0).integers(0, len(ours), (4000, len(ours)))
    low, high = numpy.percentile(numpy.median(ratios[picks], axis=1), [2.5, 97.5])
    return float(numpy.median(ratios)), float(low), float(high)


def same_numbers(results, reference, tolerance):
    return len(results) == len(reference) and all(
        got.size == want.size and numpy.allclose(got.reshape(want.shape), want, rtol=tolerance, atol=tolerance * numpy.abs(want).max(initial=0))
        for got, want in zip(results, reference))
