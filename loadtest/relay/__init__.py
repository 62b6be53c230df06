"""One relay after the other under the same load, each on a core of its own: what a packet costs."""
