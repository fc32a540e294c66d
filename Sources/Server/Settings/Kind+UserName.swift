extension Kind where Value == String? {
    /// The name of a user of this machine, as useradd(8) takes it.
    static var userNameOrNothing: Kind { userName.orNothing() }

    private static var userName: Kind<String> {
        Kind<String>(
            name: "USER",
            accepted: "the name of a user of this machine",
            read: { (text) throws(Misfit) in
                let isName = text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                        UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
                guard isName, (1...32).contains(text.utf8.count), !text.hasPrefix("-") else {
                    throw Misfit("is no such name")
                }
                return text
            },
            text: { $0 }
        )
    }
}
