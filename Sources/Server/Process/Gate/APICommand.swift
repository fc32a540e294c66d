import ArgumentParser
import EventIO
import HTTP
import Hub

/// `hubgate --gate URL api OPERATION`: any operation of THE table of the admin API, by its name there. It prints the JSON of the response.
struct APICommand: GateCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Ask a running gateway for any operation of its admin API, with --gate URL.",
        discussion:
            "Arguments are the values of the operation's path, such as <name>, and NAME=VALUE for members of its query or body. "
            + "In a body a value that is JSON, such as [\"a\"] or true, is sent as JSON.\n\nOperations:\n"
            + operations.map { operation in
                let words = [operation.word] + operation.pathParameters.map { "<\($0)>" }
                return "  \(words.joined(separator: " "))\n" + SettingsDocument.wrapped(operation.summary, to: columns)
            }
            .joined())

    /// A line as long as the terminal is broken once more.
    private static let columns = 78

    @Argument(help: "Which one.") var operation: String
    @Argument(help: "What it takes.") var arguments: [String] = []

    /// All but those for browsers, and those that do not end.
    private static let operations = AdminRoutes.all.filter {
        ![.session, .signIn, .signOut, .events].contains($0.name)
    }

    func run() throws {
        throw SubcommandFailure.usage(
            "this asks a running gateway: hubgate \(GateOptions.flag) URL api \(operation.shown)")
    }

    func run(at gate: GateClient) async throws {
        guard let route = Self.operations.first(where: { $0.word == operation }) else {
            let suggestion = Suggestion.text(for: operation, among: Self.operations.map(\.word))
            throw SubcommandFailure.usage(
                "there is no operation \(operation.shown)\(suggestion): `hubgate api --help` has them")
        }
        let parameters = route.pathParameters
        guard arguments.count >= parameters.count, !arguments.prefix(parameters.count).contains(where: \.isEmpty) else {
            throw SubcommandFailure.usage("\(operation) takes \(parameters.joined(separator: " and "))")
        }
        var given: [(String, String)] = []
        for argument in arguments.dropFirst(parameters.count) {
            guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
                throw SubcommandFailure.usage("\(argument.shown) is no NAME=VALUE")
            }
            given.append((String(argument[..<equals]), String(argument[argument.index(after: equals)...])))
        }
        var values = arguments.prefix(parameters.count)[...]
        let path = route.path.split(separator: "/").map { $0.hasPrefix("{") ? values.removeFirst() : String($0) }
        let takesBody = route.body != nil
        let body = Dictionary(given.map { ($0, Self.value($1)) }) { $1 }
        let answer = try await gate.ask(
            route.method, path, query: takesBody ? [] : given, body: takesBody ? .object(body) : nil)
        KeyOutput.print(answer)
    }

    private static func value(_ text: String) -> JSON {
        (try? JSON.parse(Array(text.utf8), within: JSONLimits(bytes: 64 << 10, depth: 5, values: 1024)))
            ?? .string(text)
    }
}

extension AdminRoute {
    /// Its name as it is typed: `cancel-request`.
    fileprivate var word: String { name.rawValue.snakeCased.replacing("_", with: "-") }
}
