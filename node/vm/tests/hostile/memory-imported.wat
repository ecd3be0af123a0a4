;; import
(module (import "precinto" "memory" (memory 1)))
