"""What secrets look like: each pattern beside text that it must match and text that it must leave.

Those that are known by how they begin are in `core.secret_tokens`, and so are the rules for both.
"""

import re

from codex_telemetry.core.secret_tokens import ANY, HEX, TOKENS, Pattern, pattern

_PEM = "PRIVATE KEY-----"

PATTERNS: tuple[Pattern, ...] = (
    pattern(
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[\s\S]{0,12000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"|[A-Za-z0-9+/=\s\\:,|-]*)",
        "private",
        (
            f"-----BEGIN RSA {_PEM}\n{ANY * 3}\n{ANY}==\n-----END RSA {_PEM}",
            f"-----BEGIN {_PEM}\\n{ANY * 3}\\n-----END {_PEM}\\n",
            f"+-----BEGIN OPENSSH {_PEM}\n+{ANY * 3}",
            f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{ANY}\n-----END PGP PRIVATE KEY BLOCK-----",
        ),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a private key", "BEGIN"),
    ),
    pattern(
        "private key",
        r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{16,100}(?:\s|\\[nr]){1,8}){1,80}"
        r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        "private",
        (f"{ANY * 2}\n{ANY}==\n-----END RSA {_PEM}",),
        (f"see the line -----END {_PEM}",),
    ),
    pattern(
        "private key",
        r"PuTTY-User-Key-File-\d[\s\S]{0,12000}?Private-MAC: [0-9a-f]{20,128}",
        "putty",
        (f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n{ANY}\nPrivate-MAC: {HEX * 3}",),
        ("open it with PuTTY",),
    ),
    *TOKENS,
    pattern(
        "azure key",
        r"(?i)(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/=]{30,200})",
        "accountkey accesskey",
        (f"AccountName=x;AccountKey={ANY * 2}==;EndpointSuffix=y",),
        ("AccountKey=;",),
    ),
    pattern(
        "json web token",
        r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}"
        r"|(?<=\\[nrt])eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}",
        "eyj",
        (f"eyJ{ANY}.eyJ{ANY}.{ANY}", f"\\neyJ{ANY}.eyJ{ANY}.{ANY}"),
        ("eyJhbGciOiJIUzI1NiJ9 is only a head",),
    ),
    pattern(
        "password in a url",
        r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,200}:(?P<secret>[^\s/\"'<>]{1,300})@",
        "://",
        (
            "postgres://app:hunter2@db:5432/app",
            "redis://:hunter2@cache/0",
            'url = "mongodb+srv://me:p@ss@cluster"',
        ),
        ("http://localhost:3000/@vite/client", "ssh://git@host/repo", "see https://x.org:8080/a@b"),
    ),
    pattern(
        "token in a url",
        r"https?://(?P<secret>[A-Za-z0-9_-]{20,300})(?:@|:@)",
        "://",
        (f"git clone https://{ANY}@host/repo.git",),
        ("https://git@host/repo.git",),
    ),
    pattern(
        "token in a url",
        r"(?i)[?&;](?:[a-z_-]{0,30}(?:token|secret|passw(?:or)?d|api_?key|signature|credential)|key|sig"
        r"|auth|pwd|code)=(?P<secret>[^&\s\"'#<>\\]{8,2000})",
        "= ",
        (f"GET /x?a=1&access_token={ANY}", f"?sig={ANY}%3D&se=1", f"?key={ANY}"),
        ("?page=12345678&sort=descending", "?key=", "a monkey=banana"),
    ),
    pattern(
        "authorization",
        r"(?i)(?<![A-Za-z])authorization\\{0,3}[\"']?\s{0,4}[:=,]\s{0,4}\\{0,3}[\"']?"
        r"(?:(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?"
        r"(?P<secret>[A-Za-z0-9._~+/=:-]{6,4000})",
        "authorization",
        (
            "Authorization: Basic dXNlcjpwYXNz",
            f"curl -H 'authorization: Bearer {ANY}'",
            f'{{"Authorization": "token {ANY}"}}',
        ),
        ("authorization is needed", "Authorization: ${TOKEN}"),
    ),
    pattern(
        "bearer token",
        r"(?i)(?<![A-Za-z])bearer\s{1,4}(?P<secret>(?=[^\s\"']{0,60}\d)[A-Za-z0-9._~+/=-]{12,4000})",
        "bearer",
        (f"Bearer {ANY}",),
        ("the bearer of bad news", "bearer authentication", "Bearer ${TOKEN}"),
    ),
    pattern(
        "cookie",
        r"(?i)(?<![A-Za-z])(?:set-)?cookie\\{0,3}[\"']?:\s{0,4}\\{0,3}[\"']?"
        r"(?P<secret>[^\s=\"'\\]{1,100}=[^\r\n\"'\\]{8,8000})",
        "cookie",
        (f"Cookie: session={ANY}; a=b", f"set-cookie: sid={ANY}; Path=/"),
        ("cookie: true", "eat a cookie: it is good"),
    ),
    pattern(
        "password",
        r"(?i)(?<![A-Za-z0-9])--?(?:[a-z-]{0,20}(?:password|passwd|passphrase|token|secret|api-?key))"
        r"(?:=|\s{1,4})[\"']?(?P<secret>(?![-$\[<{])[^\s\"']{3,300})",
        "pass token secret key",
        (
            "mysql --password=hunter2",
            "x --api-key abcdef",
            "gh --auth-token 'tttt'",
            "sshpass -password xyz",
        ),
        ("x --password --verbose", "--token $TOKEN", "--max-tokens 4096", "--token-file x"),
    ),
    pattern(
        "password",
        r"(?:(?<![A-Za-z0-9])(?:-u|--user|--proxy-user)\s{1,4}[\"']?[^\s:\"']{1,100}:"
        r"|sshpass\s{1,4}-p\s{0,4}[\"']?|(?:mysql|mysqldump|mariadb)\s[^\n]{0,200}?\s-p"
        r"|(?i:login)\s{1,4}\S{1,100}\s{1,4}(?i:password)\s{1,4})"
        r"(?P<secret>(?![$<{])[^\s\"']{3,300})",
        "-u --user -p login",
        (
            "curl -u me:hunter2 https://x",
            "sshpass -p hunter2 ssh x",
            "mysql -h db -phunter2",
            "machine x login me password hunter2",
        ),
        ("docker run -u 1000:x", "mkdir -p a/b", "curl -u me https://x"),
    ),
    pattern(
        "password hash",
        r"\$(?:2[abxy]|5|6|7|y|gy|argon2(?:id|i|d)?|apr1)\$[A-Za-z0-9./$=,+_-]{20,300}",
        "$",
        (f"root:$6$salt${ANY}:1::", f"$2b$12${ANY}{ANY}"),
        ("echo $5 $6", "$2a$"),
    ),
    pattern(
        "secret",
        # In quotes.
        r"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|auth|"
        r"account|encryption|signing|master|secret|service|client)[_-]?key)"
        r"\\{0,3}[\"'`]?\]?\s{0,4}(?:=>|:=|==?|:|,)\s{0,4}\\{0,3}[\"'`](?P<secret>(?!\[redacted:|[$<{%])"
        r"[^\s\"'`\\]{4,2000})\\{0,3}[\"'`]",
        "pass pwd secret token credential key",
        (
            'password = "hunter2"',
            "{'api_key': 'abcdef'}",
            '"client_secret": "x-y-z-1"',
            '{\\"token\\": \\"abcd\\"}',
            'os.environ["API_KEY"] = "abcdef"',
        ),
        ('password = ""', 'token = "${TOKEN}"', '"max_tokens": "4096"', 'key = "name"'),
    ),
    pattern(
        "secret",
        # Without quotes: in settings and environments, where it isn't a name or a call.
        r"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|auth|"
        r"account|encryption|signing|master|secret|service|client)[_-]?key)"
        r"\s{0,4}(?:=|:)\s{0,4}(?P<secret>(?![$<{%(\[\"'`])(?=[^\s\"'`,;)\]}]{0,200}\d)"
        r"(?!\d{1,9}(?![^\s,;)\]}]))[^\s\"'`,;()\[\]{}]{5,2000}+)(?![(\[{])",
        "pass pwd secret token credential key",
        ("password: hunter2", "DB_PASSWORD=s3cret!", "export API_KEY=a1b2c3", "token=0a1b2c3d4e"),
        (
            "token: 12345",
            "password: str",
            "token = get_token2(x)",
            "secret: list[int]",
            "token=$T1",
        ),
    ),
    pattern(
        "secret",
        # NAME=value, as a shell has it.
        r"(?<![A-Za-z0-9])[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|PASSPHRASE|PWD_|SECRET|TOKEN|"
        r"(?:API|ACCESS|PRIVATE|AUTH|ENCRYPTION|SIGNING|MASTER|SERVICE|CLIENT)_?KEY)"
        r"=(?P<secret>(?!\[redacted:)[^\s\"'`$;&|<>(){}\\]{4,2000})",
        "=",
        ("export DB_PASSWORD=hunter", "API_TOKEN=abcdef make"),
        ("DB_PASSWORD=$X", "TOKEN=", "OLDPWD=/home/me", "MAX_TOKENS=4096"),
    ),
    pattern(
        "password",
        r"(?i)(?<![A-Za-z])pass(?:word|phrase|code)?\s{1,4}(?:is|was|=|:)\s{0,4}[\"'`]?"
        r"(?P<secret>(?!\[redacted:)(?=\S{0,100}\d)[^\s\"'`,]{4,200})",
        "pass",
        ("the password is hunter2", "Passphrase was 'abc1'"),
        ("the password is required", "password is set"),
    ),
)

SECRET_NAMES = re.compile(
    r"(?i).{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|(?:^|[_-]|access|auth|bearer|refresh|id|api)token"
    r"|(?:api|access|private|auth|encryption|signing|master|secret|service|client)[_-]?key"
    r"|credentials?|authorization|cookie)"
)
"""Names of fields whose value is a secret, whatever it looks like."""
