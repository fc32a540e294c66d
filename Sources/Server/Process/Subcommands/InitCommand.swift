import ArgumentParser
import Glibc

/// `hubgate init`: prepares everything that a first start needs.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the state, a certificate to try and a first key, and say what a client needs.",
        discussion:
            "It can be run again: what is there stays as it is. Where there are keys already it makes and prints none, and ends with 73."
    )

    @Option(help: ArgumentHelp("The first key's name.", valueName: "name")) var name = "admin"
    @OptionGroup var state: StateOptions

    func run() throws {
        let settings = try state.settings()
        let directory = StateDirectory(settings.stateDirectory)
        // Before anything is made.
        let name = try KeyInput.name(name, of: "--name")
        do {
            try directory.make()
            let table = KeyTable(database: try directory.open())
            let publicID = GatewayKey.makePublicID()
            let key = GatewayKey.make(publicID: publicID)
            let isNew = try table.database.transaction { () throws(DatabaseError) -> Bool in
                guard try table.liveCount() == 0 else { return false }
                let record = KeyRecord(
                    name: name, publicID: publicID, secretHash: key.secretHash.bytes, grant: KeyGrant(role: "admin"),
                    note: "made by hubgate init", created: KeyInput.now)
                try table.insert(record)
                try table.noteEvent("create", record)
                return true
            }
            guard isNew else {
                throw SubcommandFailure(
                    code: Exit.cannotCreate,
                    reason:
                        "\(Self.whole(directory.databasePath)) has keys already, so none was made and nothing is printed; "
                        + "`hubgate keys create NAME --role admin` makes another, `hubgate keys rotate NAME` gives one a new secret"
                )
            }
            tell(settings, directory, key: key.text)
        } catch let error as DatabaseError {
            throw SubcommandFailure(error)
        }
    }

    /// In a checkout, by its script, which reports what it does. Standard output has the two lines for a client alone.
    private func makesCertificates(_ settings: Settings) -> Bool {
        let script = "config/make-certs.sh"
        guard settings.tlsCertificate == Settings().tlsCertificate, unsafe access(script, R_OK) == 0 else {
            return false
        }
        if let stranger = [".", "config", script].first(where: { !Self.isOwn($0) }) {
            Console.error(
                "hubgate: \(script) is not run, since others than this user and root can change \(stranger.shown)\n")
            return false
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        let words: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("sh"), strdup(script), nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child: pid_t = 0
        var status: Int32 = 0
        return unsafe posix_spawn(&child, "/bin/sh", &actions, nil, words, environ) == 0
            && waitpid(child, &status, 0) == child && status == 0
    }

    /// Whether only this user and root can put something else there. Root trusts no group either.
    private static func isOwn(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { return false }
        let others: mode_t = geteuid() == 0 ? 0o022 : 0o002
        return (status.st_uid == 0 || status.st_uid == geteuid()) && status.st_mode & others == 0
    }

    /// From the root: the gateway may be started in another directory.
    private static func whole(_ path: String) -> String {
        guard let whole = unsafe realpath(path, nil) else { return path.visible }
        defer { unsafe free(whole) }
        return unsafe String(cString: whole).visible
    }

    private func tell(_ settings: Settings, _ directory: StateDirectory, key: String) {
        Console.error("Made \(Self.whole(directory.databasePath)); the gateway needs the same state_dir.\n")
        if unsafe access(settings.tlsCertificate, R_OK) != 0, !makesCertificates(settings) {
            Console.error(
                "hubgate: there is no certificate \(settings.tlsCertificate.shown) yet: `make certs` makes one to try, "
                    + "or name yours with tls_cert and tls_key\n")
        }
        if settings.access != .keys {
            Console.error("hubgate: start the gateway with access = keys (HUBGATE_ACCESS=keys, or --access keys)\n")
        }
        let host = settings.listen.allSatisfy(\.isLoopback) ? "localhost" : "HOST"
        let port = settings.listen.first?.port ?? 8080
        let origin = settings.publicURL?.origin ?? "https://\(host):\(port)"
        Console.print("export HF_ENDPOINT=\(origin)\(settings.basePath)\nexport HF_TOKEN=\(key)\n")
        Console.error("The key is not shown again: put it where a password goes.\n")
    }
}
