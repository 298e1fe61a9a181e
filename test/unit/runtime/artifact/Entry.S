// The entry and the weights of the hand-made artifact. The macros make the damaged variants.
#ifndef KERNEL_COUNT
#define KERNEL_COUNT 3
#endif
#ifndef ENTRY_NAME
#define ENTRY_NAME lathe_artifact_v1
#endif
#ifndef ENTRY_MAGIC
#define ENTRY_MAGIC "LATHEMF\0"
#endif

// A place for the manifest: Artifact.cpp puts the real one at the end of the file.
        .section .lathe.manifest,"",%progbits
        .quad 0

        .section .rodata,"a",%progbits
        .balign 64
weights:
#ifdef OTHER_WEIGHTS
        .float 1.0, 1.0, 1.0, 1.0, 1.0, 1.0
#else
        .float 1.5, -2.0, 0.25, 3.0, -0.5, 0.125
#endif
        .balign 64
        .globl ENTRY_NAME
        .type ENTRY_NAME,%object
ENTRY_NAME:
        .ascii ENTRY_MAGIC
        .long 1
        .long KERNEL_COUNT
1:
#ifdef FAR_KERNELS
        .quad 0x7fffffff0000
#else
        .quad kernels - 1b
#endif
2:
#if defined(FAR_WEIGHTS)
        .quad 0x7fffffffffffffff
#elif defined(NO_WEIGHTS)
        .quad 0
#else
        .quad weights - 2b
#endif
        .size ENTRY_NAME, . - ENTRY_NAME
kernels:
        .long demo_scale - .
        .long demo_sum - .
#ifdef DATA_KERNEL
        .long weights - .
#else
        .long demo_count - .
#endif
        .section .note.GNU-stack,"",%progbits
