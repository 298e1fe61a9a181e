"""Which pass is to blame: passes are turned off until the numbers are right."""

import subprocess

from artifact import compile_model
from comparison import Comparison
from errors import Failure


def optional_passes(compiler):
    done = subprocess.run([compiler, "--disable-pass=help"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Failure(4, "the compiler does not list its optional passes")
    return [line.split()[0] for line in done.stdout.splitlines() if line.strip()]


class Bisection:
    """`say` is told each line of the report as soon as it is known."""

    def __init__(self, compiler, model, folder, flags, reference, inputs, tolerance, say):
        self.compiler, self.model, self.folder, self.flags = compiler, model, folder, flags
        self.reference, self.inputs, self.tolerance, self.say = reference, inputs, tolerance, say

    def is_right(self, without):
        flags = [*self.flags, f"--disable-pass={','.join(without)}"] if without else self.flags
        artifact = compile_model(self.compiler, self.model, self.folder, "bisect", flags)
        return Comparison(artifact, self.reference, self.inputs, self.tolerance).is_right()

    def run(self):
        """Returns the passes that are to blame: one; several if only together; none if it is not an optional pass."""
        passes, guilty = optional_passes(self.compiler), []
        for name in passes:
            right = self.is_right([name])
            self.say(f"without {name}: {'right' if right else 'still wrong'}")
            if right:
                guilty.append(name)
        if guilty:
            return guilty
        if not self.is_right(passes):
            self.say("without all of them: still wrong")
            return []
        off = list(passes)
        for name in passes:
            fewer = [other for other in off if other != name]
            if self.is_right(fewer):
                off = fewer
        self.say(f"without {', '.join(off)} together: right")
        return off
