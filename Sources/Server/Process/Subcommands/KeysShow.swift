import ArgumentParser
import Hub

struct KeysList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

    @Flag(help: "Also those that are revoked.") var all = false
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let directory = try state.directory()
        // Before the first key there is no database; a directory that is none is a fault.
        guard directory.fault != nil || directory.hasDatabase else { return show([], [:]) }
        let (records, uses) = try state.withKeys { (try $0.all(includingRevoked: all), try $0.uses()) }
        show(records, uses)
    }

    func show(_ records: [KeyRecord], _ uses: [Int64: KeyUse]) {
        if json {
            KeyOutput.print(.array(records.map { KeyOutput.json($0, uses[$0.number]) }))
        } else if records.isEmpty {
            Console.print("There are no keys: make one with `hubgate keys create NAME --role reader`.\n")
        } else {
            Console.print(KeyOutput.table(records, uses, now: KeyInput.now))
        }
    }
}

struct KeysShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one key.")

    @Argument(help: "The key's name.") var name: String
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let (record, uses) = try state.withKeys { (try $0.find(name), try $0.uses()) }
        guard let record else {
            throw SubcommandFailure.notThere("there is no key \(name.shown): `hubgate keys list` shows all")
        }
        KeyOutput.show(record, use: uses[record.number], json: json, roles: state.roles().book)
    }
}

struct KeysExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say whether a key may do a request, and which rule decides.")

    @Argument(help: "The key's name.") var name: String
    @Argument(help: "The request's method, such as GET.") var method: String
    @Argument(help: "Its path, such as /api/models/acme/m.") var path: String
    @Argument(help: "Its JSON body, where the resource is in it.") var body: String?
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard let record = try state.withKeys({ try $0.find(name) }) else {
            throw SubcommandFailure.notThere("there is no key \(name.shown): `hubgate keys list` shows all")
        }
        let answer: KeyExplanation
        do throws(KeyFieldFault) {
            answer = try KeyExplanation.explain(
                record, state.roles().book, method: method, path: path, body: body, now: KeyInput.now)
        } catch {
            throw SubcommandFailure.usage(error.reason)
        }
        json ? KeyOutput.print(answer.json) : Console.print(answer.text)
    }
}
