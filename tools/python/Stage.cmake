# Copies the package's sources, without what Python leaves beside them.
file(COPY ${FROM}/lathe DESTINATION ${TO} PATTERN __pycache__ EXCLUDE PATTERN _bundled EXCLUDE)
