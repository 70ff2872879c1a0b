"""One program per neighbour: `python -m bench.peers.mitogen_peer local 9` prints JSON.

Each is run in a fresh process, and imports its library only when the clock runs: so no peer pays
for another one, and the first use of a library can be told from the later ones.
"""
