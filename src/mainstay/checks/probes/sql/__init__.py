"""SQL checks: one SELECT that cannot write, by several layers of which each would do (P24)."""
