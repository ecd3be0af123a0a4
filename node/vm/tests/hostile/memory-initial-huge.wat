;; too-many: bytes of initial memory
(module (memory (export "memory") 257))
