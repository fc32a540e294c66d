internal import CEvent
internal import Glibc

/// Why a call into the C module or the system failed, in words for an operator.
struct CError: Error, CustomStringConvertible {
    let description: String

    init(_ error: ce_error) {
        description = unsafe withUnsafeBytes(of: error.reason) { reason in
            unsafe String(decoding: reason.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    init(_ description: String) {
        self.description = description
    }

    /// `what` could not be done for the reason that the system gave.
    init(_ what: String, errno number: Int32) {
        description = unsafe "\(what): \(String(cString: strerror(number)))"
    }
}
