/// What reading a file gave. Settings are read through a closure of this answer, so that tests need no files.
enum FileContent: Equatable, Sendable {
    case bytes([UInt8])
    case absent
    case failed(String)
}

typealias FileReader = (_ path: String) -> FileContent
