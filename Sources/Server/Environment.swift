internal import Glibc

/// The process's environment variables.
enum Environment {
    static var all: [String: String] {
        var found: [String: String] = [:]
        var entry = unsafe environ as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        while let text = unsafe entry.pointee {
            let line = unsafe String(cString: text)
            if let equals = line.firstIndex(of: "=") {
                found[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            unsafe entry = entry.advanced(by: 1)
        }
        return found
    }
}
