/// The object whose address C was given as its callback's context, and which is alive because C holds it or its owner does.
func borrowed<Object: AnyObject>(_ context: UnsafeMutableRawPointer?) -> Object {
    guard let context = unsafe context else {
        preconditionFailure("a C callback came without its context")
    }
    return unsafe Unmanaged<Object>.fromOpaque(context).takeUnretainedValue()
}

/// Like `borrowed`, and gives back the retain that C held: for the last callback.
func taken<Object: AnyObject>(_ context: UnsafeMutableRawPointer?) -> Object {
    guard let context = unsafe context else {
        preconditionFailure("a C callback came without its context")
    }
    return unsafe Unmanaged<Object>.fromOpaque(context).takeRetainedValue()
}
