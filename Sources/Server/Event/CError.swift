internal import CEvent

/// Why a call into the C module failed, in words for an operator.
struct CError: Error, CustomStringConvertible {
    let description: String

    init(_ error: ce_error) {
        description = unsafe withUnsafeBytes(of: error.reason) { reason in
            unsafe String(decoding: reason.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
