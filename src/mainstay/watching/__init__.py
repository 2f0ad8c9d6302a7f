"""What watches production by itself: the loops of checks and heartbeats, and what is heard of both.

Entered by its parts: `checking` and `beating` are loops; `heard` is what a ping means, and is all that
`acts` and `jumps` may take, so that nothing goes round in a circle.
"""
