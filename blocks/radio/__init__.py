"""What the blocks that speak to other radio software share: its formats, its sockets, and streams of samples."""
