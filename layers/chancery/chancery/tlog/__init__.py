"""The transparency log, pure: Merkle tree, tiles, checkpoints, proofs. No input, no output."""
