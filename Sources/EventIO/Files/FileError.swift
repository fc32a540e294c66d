import Glibc

/// Why an operation on a file failed.
package struct FileError: Error, Sendable, CustomStringConvertible {
    /// The kernel's `errno`.
    package let code: Int32

    package init(_ code: Int32 = errno) {
        self.code = code
    }

    /// The kernel's sentence.
    package var description: String { unsafe String(cString: strerror(code)) }
}
