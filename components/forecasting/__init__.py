"""The demand model: windows, network, training, export."""
