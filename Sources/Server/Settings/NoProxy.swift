import EventIO
import HTTP

/// Hosts that are called without the proxy, as curl and Python's requests read NO_PROXY. Names are not looked up for it.
struct NoProxy: Equatable, Sendable {
    enum Entry: Equatable, Sendable {
        case everybody
        /// A name in lower case, and all below it.
        case domain(String, port: UInt16?)
        case network(IPNetwork, port: UInt16?)
    }

    /// As they were written.
    let texts: [String]
    let entries: [Entry]

    static let none = NoProxy(texts: [], entries: [])

    private init(texts: [String], entries: [Entry]) {
        self.texts = texts
        self.entries = entries
    }

    /// Entries with commas or spaces between them.
    init(reading text: String) throws(ValueError) {
        texts = text.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
        var entries: [Entry] = []
        for text in texts { entries.append(try Self.entry(text)) }
        self.entries = entries
    }

    /// Whether `host`, IPv6 without brackets, is called without a proxy.
    func covers(_ host: String, port: UInt16) -> Bool {
        guard !entries.isEmpty else { return false }
        let address = IPNumber(host)
        let name = Self.withoutDot(host.lowercased())
        return entries.contains { entry in
            switch entry {
            case .everybody: true
            case .domain(let domain, let only):
                address == nil && (only ?? port) == port && (name == domain || name.hasSuffix("." + domain))
            case .network(let network, let only): (only ?? port) == port && address.map(network.contains) ?? false
            }
        }
    }

    private static func entry(_ text: String) throws(ValueError) -> Entry {
        if text == "*" { return .everybody }
        if let network = network(text) { return .network(network, port: nil) }
        guard let parts = HostPort(text), parts.port != 0 else { throw fault(text) }
        if let address = IPNumber(parts.host) { return .network(IPNetwork(address), port: parts.port) }
        guard !parts.isBracketed else { throw fault(text) }
        // `.example.org` and `*.example.org` mean the same as `example.org`.
        var name = parts.host.lowercased()[...]
        if name.hasPrefix("*.") { name = name.dropFirst() }
        if name.hasPrefix(".") { name = name.dropFirst() }
        let domain = withoutDot(String(name))
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        // Digits and dots alone are a mistyped address.
        let isName =
            labels.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) }
            && labels.last?.utf8.allSatisfy { (0x30...0x39).contains($0) } == false
        guard isName else { throw fault(text) }
        return .domain(domain, port: parts.port)
    }

    /// `10.0.0.0/8`, `fd00::/8`, or one address. IPv6 may stand in brackets.
    private static func network(_ text: String) -> IPNetwork? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var host = parts[0]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let address = IPNumber(host) else { return nil }
        guard parts.count == 2 else { return IPNetwork(address) }
        return HostPort.port(parts[1]).flatMap { IPNetwork(address, prefix: Int($0)) }
    }

    private static func fault(_ text: String) -> ValueError {
        ValueError("has an entry that is no host, domain, address or network: \(text.shown)")
    }

    private static func withoutDot(_ name: String) -> String { name.hasSuffix(".") ? String(name.dropLast()) : name }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isASCIIAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte >= 0x80
    }
}

extension ValueCodec where Value == NoProxy {
    static var noProxy: ValueCodec {
        ValueCodec(
            name: "HOSTS",
            accepted:
                "names, each with all below it, and addresses, with or without a port, networks such as 10.0.0.0/8, "
                + "and *; with commas between them",
            isList: true,
            read: { (text) throws(ValueError) in try NoProxy(reading: text) },
            text: { $0.texts.joined(separator: ",") }
        )
    }
}
