import EventIO
import HTTP

/// More fields for the receiver of traces, in OpenTelemetry's form: `name=value,name=value`, values percent-encoded.
struct OTLPHeaders: Equatable, Sendable {
    private let text: Secret

    /// No error quotes the text.
    init(reading text: String) throws(ValueError) {
        do throws(Secret.Flaw) {
            self.text = try Secret(text.utf8)
        } catch {
            throw ValueError(error.description)
        }
        _ = try Self.parse(text)
    }

    /// The fields for one request.
    var headers: Headers { (try? Self.parse(text.reveal())) ?? [:] }

    /// Fields that frame a request or describe its content are the gateway's to set.
    private static let reserved = CaselessWords([
        "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive",
        "TE", "Trailer",
        "Upgrade", "Expect", "Proxy-Authorization",
    ])

    private static func parse(_ text: String) throws(ValueError) -> Headers {
        var headers: Headers = [:]
        for pair in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), equals > pair.startIndex else {
                throw ValueError("has a part that is no name=value")
            }
            let name = String(decoding: pair[..<equals], as: UTF8.self)
            guard name.utf8.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
            else { throw ValueError("has a name that is no field's") }
            guard !reserved.contains(name.utf8.span) else {
                throw ValueError("has a name that is the gateway's own to send")
            }
            let value = PercentEncoding.decode(pair[pair.index(after: equals)...])
            guard !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), Headers.isFieldValue(value)
            else {
                throw ValueError("has a value that is empty or not printable ASCII")
            }
            headers.append(name, value)
        }
        return headers
    }
}

/// A share from 0 to 1.
struct SampleShare: Equatable, Sendable {
    static let all = SampleShare(value: 1)

    let value: Double
}

extension ValueCodec where Value == OTLPHeaders? {
    static var otlpHeadersOrNothing: ValueCodec {
        ValueCodec<OTLPHeaders>(
            name: "FIELDS", accepted: "NAME=VALUE, several with commas between them", isList: true,
            read: { (text) throws(ValueError) in try OTLPHeaders(reading: text) },
            text: { _ in Secret.mask }
        ).orNothing()
    }
}

extension ValueCodec where Value == SampleShare {
    static var sampleShare: ValueCodec {
        ValueCodec(
            name: "SHARE", accepted: "a number from 0 to 1, such as 0.1",
            read: { (text) throws(ValueError) in
                guard !text.isEmpty, text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }),
                    let value = Double(text), (0...1).contains(value)
                else { throw .unknown }
                return SampleShare(value: value)
            },
            text: { share in
                let text = "\(share.value)"
                return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
            })
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension ValueCodec where Value == UpstreamAddress? {
    static var otlpEndpointOrNothing: ValueCodec {
        ValueCodec<UpstreamAddress>(
            name: "URL", accepted: "https://HOST[:PORT][/PATH] or http://HOST[:PORT][/PATH]",
            read: { (text) throws(ValueError) in try UpstreamAddress(reading: text) },
            text: \.description
        ).orNothing()
    }
}

extension SettingsReading {
    mutating func checkTraces() {
        var name = "otlp_headers"
        if let path = settings.otlpHeadersFile, let content = fileContent(of: name, at: path) {
            var text = String(decoding: content, as: UTF8.self)
            while text.last?.isNewline == true { text.removeLast() }
            do throws(ValueError) {
                settings.otlpHeaders = try OTLPHeaders(reading: text)
                choose(name, chosen["otlp_headers_file"])
                name = "otlp_headers_file"
            } catch {
                return refuse(
                    "otlp_headers_file", "what is in \(path.shown) \(error.reason); accepted: NAME=VALUE,NAME=VALUE")
            }
        }
        guard let endpoint = settings.otlpEndpoint else {
            if settings.otlpHeaders != nil { refuse(name, "is given without otlp_endpoint, which says who gets it") }
            return
        }
        if settings.otlpHeaders != nil, endpoint.scheme == .http, !endpoint.isLoopback {
            refuse(name, "\(endpoint) would get it in clear; use https for otlp_endpoint")
        }
        let isOwn = settings.listen.contains { $0.port == endpoint.port && ($0.isLoopback || $0.isEvery) }
        if endpoint.isLoopback, isOwn {
            refuse("otlp_endpoint", "\(endpoint) is this gateway itself; give the address of the receiver")
        }
    }
}
