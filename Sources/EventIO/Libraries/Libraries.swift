import CEvent

/// The versions of the loaded libraries that do the work below.
package enum Libraries {
    /// For example `libevent 2.1.12-stable, libcurl 7.88.1, OpenSSL 3.0.22`.
    package static var versions: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            unsafe text.initialize(repeating: 0)
            unsafe ce_versions(text.baseAddress, text.count)
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }

    /// The version of the library `name` there.
    package static func version(of name: String) -> String {
        let words = versions.split(separator: ", ").map { $0.split(separator: " ") }
        return words.first { $0.first == name[...] }.map { String($0[1]) } ?? ""
    }
}
