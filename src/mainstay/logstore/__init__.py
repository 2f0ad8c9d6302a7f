"""The process that keeps logs: it listens, blanks, stores and packs, apart from whoever pages.

`mainstay logs keep` starts it. However many logs pour in, the server's own process does not notice.
"""
