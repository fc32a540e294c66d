import EventIO
import HTTP

extension Transfer.Head {
    /// What is wrong with it as a store's response to a request for `range` of a file of `size` bytes; nil where exactly these bytes follow, or all
    /// bytes from the beginning on (RFC 9110 section 15.3.7).
    func fault(for range: Range<Int>, of size: Int) -> String? {
        guard headers["Content-Encoding"] ?? "identity" == "identity" else {
            return "the store of its files sent a file in another coding than was asked for"
        }
        switch status.code {
        case 200:
            guard range.lowerBound == 0 else { return "the store of its files knows no ranges" }
            return contentLength ?? size == size ? nil : "the store of its files has a file of another size"
        case 206:
            let isRange = headers["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            return isRange && contentLength ?? range.count == range.count
                ? nil : "the store of its files sent another range of a file than was asked for"
        case let code: return "the store of its files answered \(code)"
        }
    }
}
