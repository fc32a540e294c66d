/// Domain names, each of which stands for itself and all below it by https, and origins, each for itself.
struct DomainNames: Equatable, Sendable {
    let names: [String]
    /// With the port, where that is not the scheme's own.
    var origins: [String] = []
}

extension Kind where Value == DomainNames {
    static var domainNames: Kind {
        Kind(
            name: "NAMES",
            accepted:
                "domain names in lower case and origins with commas between them, such as hf.co,https://minio.internal:9000",
            read: { (text) throws(Misfit) in
                let entries = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
                    String(name.drop { $0 == " " })
                }
                let names = entries.filter { !$0.contains("://") }
                var origins: [String] = []
                for entry in entries where entry.contains("://") {
                    let address = try UpstreamAddress(reading: entry)
                    guard address.pathPrefix.isEmpty else { throw Misfit("has an origin with a path: \(entry)") }
                    origins.append(address.origin)
                }
                let isName: (String) -> Bool = { name in
                    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
                    return labels.count > 1
                        && labels.allSatisfy { label in
                            !label.isEmpty
                                && label.utf8.allSatisfy {
                                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                                }
                        }
                }
                guard names.allSatisfy(isName) else { throw Misfit("is no list of domain names and origins") }
                return DomainNames(names: names, origins: origins)
            },
            text: { ($0.names + $0.origins).joined(separator: ",") }
        )
    }
}
