import Glibc

/// A directory of its own, which goes with the test and all that is in it.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/hubgate-test-XXXXXX".utf8CString)
        path = unsafe String(cString: mkdtemp(&template))
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let directory = unsafe opendir(path) else {
            unsafe unlink(path)
            return
        }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { remove(path + "/" + name) }
        }
        unsafe closedir(directory)
        unsafe rmdir(path)
    }
}
