internal import Glibc

/// A path without links.
enum RealPath {
    /// Absolute; nil where nothing is.
    static func of(_ path: String) -> String? {
        guard let found = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
