#!/bin/sh
# exits.sh CODE COMMAND…: runs a command and fails unless it ends with that exit code.
expected=$1
shift
"$@"
code=$?
[ "$code" = "$expected" ] || { echo "exit code $code, expected $expected" >&2; exit 1; }
