import HTTP

/// The Hub tokens of `credentials_dir`: the name of each file, and its token.
struct CredentialsDirectory: Equatable, Sendable {
    let path: String
    var tokens: [String: Secret] = [:]

    /// Whether a file's name can be the name of a credential: a word for the command line.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasPrefix("-")
            && name.utf8.allSatisfy { $0.isASCIIAlphanumeric || "._-".utf8.contains($0) }
    }

    var filePaths: [String] { tokens.keys.sorted().map { path + "/" + $0 } }
}

extension ValueCodec where Value == CredentialsDirectory? {
    static var credentialsDirectoryOrNothing: ValueCodec {
        ValueCodec<CredentialsDirectory>(
            name: "PATH", accepted: "the path of a directory",
            read: { (text) throws(ValueError) in CredentialsDirectory(path: try ValueCodec<String>.path.read(text)) },
            text: \.path
        ).orNothing()
    }
}

extension SettingsReading {
    /// Reads each file of `credentials_dir`, with the same checks as `token_file`.
    mutating func readCredentials() {
        guard var directory = settings.credentials else { return }
        guard let names = directories(directory.path) else {
            return refuse("credentials_dir", "there is no directory \(directory.path.shown) that can be read")
        }
        for name in names {
            guard CredentialsDirectory.isName(name) else {
                refuse(
                    "credentials_dir",
                    "\(name.shown) is no name for a credential: letters, digits, ., _ and -, at most 64")
                continue
            }
            let path = directory.path + "/" + name
            guard let content = content(at: path, for: "credentials_dir") else { continue }
            do throws(Secret.Flaw) {
                let token = try Secret(file: content)
                directory.tokens[name] = token
                if isMistaken(token) { refuse("credentials_dir", "what is in \(path.shown) is \(Self.keyNotToken)") }
            } catch {
                refuse("credentials_dir", "the token in \(path.shown) \(error)")
            }
        }
        settings.credentials = directory
    }

    static let stateOfCheckout = ".state"

    /// In a checkout the state is beside the certificates: where `make run` has made that directory. It counts as present also where sandboxing
    /// forbids to look into it.
    mutating func checkState() {
        if chosen["state_dir"] == nil, files(Self.stateOfCheckout) != .absent {
            settings.stateDirectory = Self.stateOfCheckout
        }
        checkAudit()
        checkDeleteGrace()
    }

    /// Without keys acts have no names.
    private mutating func checkAudit() {
        if settings.access == .keys, chosen["audit_dir"] == nil {
            settings.auditDirectory = settings.stateDirectory + "/audit"
        } else if settings.access != .keys, !settings.auditDirectory.isEmpty {
            refuse(
                "audit_dir",
                "takes access = keys: without keys the audit cannot say who did what; set that, or audit_dir = off")
        }
    }
}
