import ArgumentParser
import EventIO
import Glibc

/// `hubgate state`: the database of keys as a file.
struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Back up and check the database of keys.",
        subcommands: [StateBackup.self, StateCheck.self])
}

struct StateBackup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the database into a new file, beside a running gateway too.",
        discussion:
            "To restore it: stop the gateway, put the file in the place of hubgate.db, and remove hubgate.db-wal and hubgate.db-shm."
    )

    @Argument(help: "The file to make.", completion: .file()) var file: String
    @OptionGroup var state: StateOptions

    func run() throws {
        let directory = try state.directory()
        // It holds hashes of secrets: only this user may read it. An existing file is not overwritten.
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SubcommandFailure.notMade(file, errno)
        }
        close(descriptor)
        do throws(DatabaseError) {
            let source = try directory.openExisting()
            let target = try Database(file)
            try source.copy(to: target)
            // One file, without a journal beside it.
            try target.execute("PRAGMA journal_mode = DELETE")
        } catch {
            unsafe unlink(file)
            throw SubcommandFailure(error)
        }
        Console.print("Wrote \(file).\n")
    }
}

struct StateCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read all of the database and say what is wrong with it.")

    @OptionGroup var state: StateOptions

    func run() throws {
        let directory = try state.directory()
        do {
            let database = try directory.openExisting()
            let faults = try database.faults()
            guard faults.isEmpty else {
                throw SubcommandFailure(
                    code: Exit.dataError,
                    reason: "\(directory.databasePath.shown) is damaged: \(faults.joined(separator: "; "))")
            }
            let keys = try KeyTable(database: database).liveCount()
            Console.print("\(directory.databasePath) is good. Keys: \(keys).\n")
        } catch let error as DatabaseError {
            throw SubcommandFailure(error)
        }
    }
}
