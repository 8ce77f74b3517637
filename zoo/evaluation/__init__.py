"""Does a published figure hold: accuracy under the protocol it was measured with."""
