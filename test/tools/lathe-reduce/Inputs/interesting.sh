#!/bin/sh
# Interesting (exit code 1): lathe-kernel-abi refuses the loop.
lathe-opt "$1" --lathe-kernel-abi 2>&1 | grep -q "expects lower bounds of 0" && exit 1
exit 0
