"""Technical variation of an assay: what the machine adds, estimated so that it can be taken off."""
