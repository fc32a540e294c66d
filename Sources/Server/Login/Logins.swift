import EventIO
import HTTP
import Hub

/// What logins have in common, over reloads: the issuers' keys, what went wrong for whom, and who makes keys.
@EventLoop
final class Logins {
    let reporter: LoginReporter
    let issuers: Issuers
    /// Of tokens that were refused: their verification is work.
    let refusals = FailureLimit(most: 30, milliseconds: 60_000)
    /// Of devices that begin to log in, and of their questions whether they are confirmed.
    let starts = FailureLimit(most: 20, milliseconds: 60_000)
    let polls = FailureLimit(most: 240, milliseconds: 60_000)
    /// Of keys with which somebody would confirm a device, and which are not good.
    let guesses = FailureLimit(most: 10, milliseconds: 600_000)
    private let keys: KeyStore?

    init(_ settings: Settings, pool: TransferPool, keys: KeyStore?, reporter: LoginReporter) {
        self.reporter = reporter
        self.keys = keys
        issuers = Issuers(pool: pool, reporter: reporter)
    }

    func use(_ settings: Settings) {
        issuers.use(settings.logins)
    }

    /// Asks the state process. Throws where it cannot be asked, or has not answered.
    func ask(_ order: LoginOrder) async throws(OAuthError) -> LoginAnswer {
        guard let keys, let answer = await keys.ask(order) else {
            throw OAuthError(
                .temporarilyUnavailable, "The gateway cannot make a key at present. Try again later.",
                .serviceUnavailable,
                retryAfter: 5)
        }
        return answer
    }
}
