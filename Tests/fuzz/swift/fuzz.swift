import Glibc

/// Which of `ParserProperties` is asked, and of which inputs none may take long. `FUZZ_PROPERTY` names it.
private let property = ParserProperties.all.first { $0.name == environment("FUZZ_PROPERTY") } ?? ParserProperties.all[0]

private func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    if let broken = property.check(bytes) { fatalError("\(property.name): \(broken)") }
    return 0
}
