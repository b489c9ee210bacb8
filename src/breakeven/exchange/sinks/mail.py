"""E-mail over SMTP: one plain message to all recipients."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Mapping
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime

from breakeven.exchange.sinks.message import headline, text
from breakeven.exchange.sinks.port import NotSent
from breakeven.exchange.sinks.posting import trusting
from breakeven.exchange.sinks.webhook import variable
from breakeven.governance.alerts import Alert
from breakeven.settings import SinkSettings


class EmailSink:
    """Hands one message to a mail server. A repeat has the same Message-ID, so that mail programs show it once."""

    def __init__(self, settings: SinkSettings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment

    def send(self, alert: Alert) -> None:
        """Send the message. Raises NotSent where the server takes it for no recipient at all."""
        settings = self._settings
        message = composed(alert, settings)
        try:
            with self._connected() as server:
                if settings.username_env is not None and settings.password_env is not None:
                    server.login(
                        variable(self._environment, settings.username_env), variable(self._environment, settings.password_env)
                    )
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(f"the mail server refuses the login ({error.smtp_code})", "Check user name and password.") from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise NotSent(
                f"the mail server takes no recipient ({', '.join(map(str, codes))})", "Check `to` of this sink."
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise NotSent("the mail server offers no such encryption or login", "Check `security` and the port.") from None
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"the mail server answers {error.smtp_code}", "Look at the mail server's log.") from None
        except (OSError, smtplib.SMTPException) as error:
            words = getattr(error, "strerror", None) or type(error).__name__
            raise NotSent(f"the mail server cannot be reached: {words}", "Check host, port and `security`.") from None
        if refused:  # the others have it: to send it again would tell them twice
            print(f"breakeven: alert {alert.id}: the mail server takes it for all but {len(refused)} recipients", file=sys.stderr)  # noqa: T201 - the supervisor's log

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        context = trusting(settings.ca_file)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout, context=context)
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            if settings.security == "starttls":
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def composed(alert: Alert, settings: SinkSettings) -> EmailMessage:
    """The message. Names may hold anything, and no header gets a line of its own from them."""
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.recipients)
    message["Subject"] = "".join(character if character.isprintable() else " " for character in headline(alert))
    message["Date"] = format_datetime(alert.at.replace(tzinfo=UTC))
    message["Message-ID"] = f"<{alert.id}@breakeven>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(alert))
    if alert.document is not None:
        kind, _, subtype = alert.document.media_type.partition("/")
        message.add_attachment(
            alert.document.text.encode(), maintype=kind, subtype=subtype, filename=alert.document.name, params={"charset": "utf-8"}
        )
    return message
