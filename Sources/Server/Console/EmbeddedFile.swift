import ConsoleFiles

/// A file of `Sources/ConsoleFiles`, which is a part of this program: its markup is trusted like a literal of the source.
struct EmbeddedFile {
    let text: String

    private init(_ file: console_file) {
        text = unsafe String(decoding: UnsafeBufferPointer(start: file.bytes, count: file.size), as: UTF8.self)
    }

    static let consolePage = unsafe EmbeddedFile(console_html())
    static let consoleStyle = unsafe EmbeddedFile(console_css())
    /// In the order of execution.
    static let consoleScripts = (0..<console_script_count()).map { unsafe EmbeddedFile(console_script($0)) }
    static let homePage = unsafe EmbeddedFile(home_html())
    static let homeStyle = unsafe EmbeddedFile(home_css())
    static let homeScript = unsafe EmbeddedFile(home_script())
}
