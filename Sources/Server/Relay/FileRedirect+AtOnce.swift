import EventIO
import HTTP
import Hub

/// Responses that need no call to the store: the Hub's redirect says enough.
extension FileRedirect {
    /// The response to a condition that fails, or to HEAD; nil where the store has to be asked.
    func answerAtOnce(to request: Request) -> Transfer.Head? {
        switch Preconditions.outcome(of: request, etag: metadata["ETag"]) {
        case .goOn: request.method == .head ? headAnswer : nil
        case .answer(let status): Transfer.Head(status: status, headers: unmet(status))
        }
    }

    private func unmet(_ status: Status) -> Headers {
        var headers = metadata
        if status.allowsContent { headers.set("Content-Length", "0") }
        return headers
    }

    /// The response to HEAD where the Hub has named the size in another field.
    var headAnswer: Transfer.Head? {
        guard let size = linkedSize else { return nil }
        var headers = metadata
        headers.set("Content-Length", String(size))
        headers.set("Accept-Ranges", "bytes")
        for (name, value) in Self.signedFields(of: url) { headers.set(name, value) }
        return Transfer.Head(status: .ok, headers: headers)
    }

    /// The fields that a pre-signed URL makes the store send with the content.
    static func signedFields(of url: String) -> [(name: String, value: String)] {
        signedNames.compactMap { name, parameter in signed(parameter, in: url).map { (name, $0) } }
    }

    /// In bytes. Nil where the Hub sends no number: it is used as a length, and must not trap.
    var linkedSize: Int? {
        let all = redirect.headers.values(of: "X-Linked-Size")
        guard let text = all.first, all.allSatisfy({ $0 == text }), (1...18).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// The response parameters of Amazon's GetObject.
    private static let signedNames = [
        ("Content-Type", "response-content-type"), ("Content-Disposition", "response-content-disposition"),
    ]

    private static func signed(_ parameter: String, in url: String) -> String? {
        guard let query = url.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        for part in url[query...].dropFirst().split(separator: "&") where part.hasPrefix("\(parameter)=") {
            let value = PercentEncoding.decode(part.utf8.dropFirst(parameter.utf8.count + 1))
            return value.isEmpty || !Headers.isFieldValue(value) ? nil : value
        }
        return nil
    }
}
