/// Domain names, each of which stands for itself and all below it.
struct DomainNames: Equatable, Sendable {
    let names: [String]
}

extension Kind where Value == DomainNames {
    static var domainNames: Kind {
        Kind(
            name: "NAMES",
            accepted: "domain names in lower case with commas between them, such as hf.co,cdn.example.org",
            read: { (text) throws(Misfit) in
                let names = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
                    String(name.drop { $0 == " " })
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
                guard names.allSatisfy(isName) else { throw Misfit("is no list of domain names") }
                return DomainNames(names: names)
            },
            text: { $0.names.joined(separator: ",") }
        )
    }
}
