import ArgumentParser
import EventIO
import Hub

/// `hubgate login`: devices that wait for a person's confirmation.
struct LoginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "List, confirm and refuse devices that log in (hf auth login).",
        subcommands: [LoginList.self, LoginConfirm.self, LoginDeny.self])
}

struct LoginList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the devices of the last ten minutes.")

    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let entries = try state.withKeys { try DeviceLogins(database: $0.database).all(now: KeyInput.now) }
        if json {
            KeyOutput.print(
                .array(
                    entries.map { entry in
                        [
                            "code": .string(UserCode.shown(entry.userCode)), "address": .string(entry.address),
                            "created": .string(WallClock.iso8601(entry.created)), "status": .string("\(entry.status)"),
                            "confirmed_by": entry.confirmedBy.map { .string($0) } ?? .null,
                        ]
                    }))
        } else if entries.isEmpty {
            Console.print("No device waits.\n")
        } else {
            Console.print(
                TextTable.text(
                    ["CODE", "STATUS", "FROM", "SINCE", "CONFIRMED BY"],
                    entries.map {
                        [
                            UserCode.shown($0.userCode), "\($0.status)", $0.address, WallClock.iso8601($0.created),
                            $0.confirmedBy ?? "",
                        ]
                    }))
        }
    }
}

struct LoginConfirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Give a device that waits a key.",
        discussion:
            "Confirm only a login that the person has told you they began: someone who sends you a code wants a key.")

    @Argument(help: "The code that the device shows.") var code: String
    @Option(help: ArgumentHelp("The key's role; by default that of the setting login_role.", valueName: "role"))
    var role: String?
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("The Hub token to act with: a file of credentials_dir.", valueName: "credential"))
    var credential: String?
    @OptionGroup var state: StateOptions

    func run() throws {
        let wanted = try role ?? state.settings().loginRole
        guard let wanted, wanted != Settings.approversRole || role != nil else {
            throw SubcommandFailure.usage("give --role: the setting login_role names none here")
        }
        var grant = KeyGrant(role: try KeyInput.role(wanted, of: "--role", state))
        if let credential { grant.credential = try KeyInput.optional(credential, of: "--as", KeyInput.credential) }
        let entry = try LoginChange.decide(code, grant, state)
        Console.print("Confirmed: the device that asked from \(entry) gets a key with the role \(wanted).\n")
    }
}

struct LoginDeny: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "deny", abstract: "Refuse a device that waits.")

    @Argument(help: "The code that the device shows.") var code: String
    @OptionGroup var state: StateOptions

    func run() throws {
        Console.print("Refused: the device that asked from \(try LoginChange.decide(code, nil, state)) gets no key.\n")
    }
}

enum LoginChange {
    private static func event(_ code: String, _ address: String, isConfirmed: Bool) -> AuditRecord {
        var event = AuditRecord(.login)
        event.set(.event, isConfirmed ? "device-confirm" : "device-deny")
        event.set(.decision, isConfirmed ? "allowed" : "refused")
        event.set(.by, "\(UserAccount.currentName) on the command line")
        event.set(.detail, "the device with the code \(UserCode.shown(code)), which asked from \(address)")
        return event
    }

    /// Where and when the device asked.
    static func decide(_ code: String, _ grant: KeyGrant?, _ state: StateOptions) throws -> String {
        guard let code = UserCode.read(code) else {
            throw SubcommandFailure.usage("a code has 8 letters, such as BCDF-GHJK")
        }
        let answer = try state.withKeys { table in
            try table.database.transaction { () throws(DatabaseError) in
                let answer = try DeviceLogins(database: table.database).decide(
                    code, grant, by: "the command line", now: KeyInput.now)
                if case .confirmed(let address, _) = answer {
                    try AuditTables(database: table.database).insert(event(code, address, isConfirmed: grant != nil))
                }
                return answer
            }
        }
        switch answer {
        case .confirmed(let address, let created): return "\(address) at \(WallClock.iso8601(created))"
        case .decided: throw SubcommandFailure.notThere("this code was already confirmed or refused")
        default:
            throw SubcommandFailure.notThere(
                "no device waits with this code: `hubgate login list` shows all; a code is good for ten minutes")
        }
    }
}
