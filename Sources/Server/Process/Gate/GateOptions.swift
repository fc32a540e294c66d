import EventIO
import HTTP

/// `--gate URL` and its options: a subcommand then asks the admin API of a running gateway, and not the state of this machine.
struct GateOptions: Sendable {
    static let flag = "--gate"
    private static let keyFileFlag = "--admin-key-file"
    private static let authoritiesFlag = "--ca-file"

    let address: UpstreamAddress
    let key: Secret
    let authorities: String?

    /// Takes the gate's options out of `arguments`. Nil where none of them is `--gate`.
    static func taken(
        from arguments: inout [String], environment: [String: String]
    ) throws(SubcommandFailure) -> GateOptions? {
        guard arguments.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) else { return nil }
        var rest: [String] = []
        var values: [String: String] = [:]
        var index = 0
        while index < arguments.count {
            let parts = arguments[index].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard [flag, keyFileFlag, authoritiesFlag].contains(name) else {
                guard name != "--admin-key" else {
                    throw .usage(
                        "a key is not accepted here, where every user of the machine can read it in the process list; use "
                            + "\(keyFileFlag) or the environment variable \(SettingsLayer.adminKeyVariable)")
                }
                rest.append(arguments[index])
                index += 1
                continue
            }
            if parts.count == 1 { index += 1 }
            guard index < arguments.count, parts.count > 1 || !arguments[index].hasPrefix("--") else {
                throw .usage("\(name): the value is missing")
            }
            guard values.updateValue(parts.count > 1 ? String(parts[1]) : arguments[index], forKey: name) == nil else {
                throw .usage("\(name) is given twice")
            }
            index += 1
        }
        arguments = rest
        return GateOptions(
            address: try address(values[flag] ?? ""),
            key: try key(in: values[keyFileFlag], environment[SettingsLayer.adminKeyVariable]),
            authorities: try values[authoritiesFlag].map { (path) throws(SubcommandFailure) in
                try content(of: path, authoritiesFlag)
            })
    }

    /// A key is never sent in plaintext.
    private static func address(_ text: String) throws(SubcommandFailure) -> UpstreamAddress {
        do throws(ValueError) {
            let address = try UpstreamAddress(reading: text)
            guard address.scheme == .https else {
                throw ValueError("would get the key in clear, and the gateway speaks only https")
            }
            return address
        } catch {
            throw .usage("\(flag): \(text.shown) \(error.reason); accepted: https://HOST[:PORT]")
        }
    }

    private static func key(in path: String?, _ variable: String?) throws(SubcommandFailure) -> Secret {
        let bytes: [UInt8]
        if let path {
            guard case .bytes(let content) = SystemFiles.read(path) else {
                throw .notThere("\(keyFileFlag): there is no file \(path.shown) that can be read")
            }
            bytes = content
        } else {
            bytes = Array((variable ?? "").utf8)
        }
        guard !bytes.isEmpty else {
            throw .usage(
                "\(flag) takes a gateway key of the role admin: in a file that \(keyFileFlag) names, or in the environment "
                    + "variable \(SettingsLayer.adminKeyVariable)")
        }
        do throws(Secret.Flaw) {
            return try Secret(file: bytes)
        } catch {
            throw .usage("the key in \(path.map(\.shown) ?? SettingsLayer.adminKeyVariable) \(error)")
        }
    }

    private static func content(of path: String, _ name: String) throws(SubcommandFailure) -> String {
        guard case .bytes(let content) = SystemFiles.read(path) else {
            throw .notThere("\(name): there is no file \(path.shown) that can be read")
        }
        let text = String(decoding: content, as: UTF8.self)
        guard text.contains("-----BEGIN CERTIFICATE-----") else {
            throw .usage("\(name): \(path.shown) holds no certificate in PEM")
        }
        return text
    }
}
