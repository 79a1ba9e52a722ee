"""How fast it is, told by the programs that the README quotes: `make bench`."""
