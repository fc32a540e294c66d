import EventIO
import Glibc

extension CacheDirectory {
    /// What an operator does where the gateway cannot make the directory.
    static let remedy = "make it, and give it to the gateway's user (mode 0700)"

    /// Why this user could not keep files there; nil where it could. Nothing is made or changed.
    var fault: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let reason = errno
            let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
            if reason == ENOENT, unsafe access(parent, W_OK | X_OK) == 0 { return nil }
            let why =
                reason == ENOENT ? "there is no directory \(path.shown)" : "\(path.shown): \(SystemError.text(reason))"
            return "\(why); \(Self.remedy)"
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(path.shown) is no directory; \(Self.remedy)" }
        guard unsafe access(path, W_OK | X_OK) == 0 else {
            return
                "\(path.shown) cannot be written by the user \(UserAccount.currentName): \(SystemError.text(errno)); give it to the gateway's user (mode 0700)"
        }
        return nil
    }
}
