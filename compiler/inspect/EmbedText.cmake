# Writes the file INPUT as a C++ raw string literal to OUTPUT.
file(READ ${INPUT} text)
if(text MATCHES "[)]embed\"")
  message(FATAL_ERROR "${INPUT} holds the end mark of the literal")
endif()
file(WRITE ${OUTPUT} "R\"embed(${text})embed\"\n")
