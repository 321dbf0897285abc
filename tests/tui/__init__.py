"""The live view: by textual's pilot, and in real terminals."""
