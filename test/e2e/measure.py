"""measure.py REPORT COMMAND…: runs the command and writes its exit code, processor seconds and peak kilobytes into REPORT.

The system counts the memory of the process that starts another one as part of that one's peak. pytest with three inference engines loaded is large; this
program is small."""

import os
import sys

report, *command = sys.argv[1:]
_, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
with open(report, "w") as file:
    print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=file)
