"""Pictures: files, tensors, collections and the batches that training draws from them."""
