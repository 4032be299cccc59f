"""The commands of `spicemem`, one file a noun. Heavy modules are imported inside them, so that --help comes at once."""
