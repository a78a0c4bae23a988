<#
.SYNOPSIS
Writes the tables of a Persistent Chat or Group Chat database as CSV files, for `parlance import`.

.DESCRIPTION
Reads only, with the rights of whoever runs it (db_datareader is enough), over the network or on the
database server itself. One file for each table, UTF-8, the first line naming the columns. Needs
nothing but Windows PowerShell.

.EXAMPLE
.\export-tables.ps1 -Server sql1\rtc -Folder C:\export
#>
param(
    [Parameter(Mandatory)] [string] $Server,
    [Parameter(Mandatory)] [string] $Folder,
    # MGC where the databases of Group Chat 2010 keep their default name.
    [string] $Database = 'mgc'
)

$ErrorActionPreference = 'Stop'
# Messages must come in the order of rooms and numbers. Principals come last, so that whoever is
# named in another table is among them, also if the service runs meanwhile.
$tables = [ordered]@{
    RoleType              = 'rtypeID'
    Node                  = 'nodeID'
    PrincipalRole         = 'prinRoleNodeID, prinRolePrinID, prinRoleTypeID'
    ScopePrincipal        = 'scopeNodeID, scopePrinID'
    SiopWhiteList         = 'siopID'
    PrincipalAffiliations = 'principalID, affiliationID'
    PrincipalInvites      = 'prinID, invID'
    Chat                  = 'channelId, chatId'
    Principal             = 'prinID'
}
$culture = [Globalization.CultureInfo]::InvariantCulture

New-Item -ItemType Directory -Force $Folder | Out-Null
$connection = New-Object Data.SqlClient.SqlConnection `
    "Server=$Server;Database=$Database;Integrated Security=true"
$connection.Open()
try {
    foreach ($name in $tables.Keys) {
        $command = $connection.CreateCommand()
        $command.CommandTimeout = 0
        # The tables of 2010 have no prefix.
        $command.CommandText = "SELECT COALESCE(OBJECT_ID('dbo.tbl$name'), OBJECT_ID('dbo.$name')),
            CASE WHEN OBJECT_ID('dbo.tbl$name') IS NULL THEN '$name' ELSE 'tbl$name' END"
        $found = $command.ExecuteReader()
        $null = $found.Read()
        $exists = -not $found.IsDBNull(0)
        $table = $found.GetString(1)
        $found.Close()
        if (-not $exists) { Write-Warning "there is no table $name"; continue }
        $command.CommandText = "SELECT * FROM dbo.[$table] ORDER BY $($tables[$name])"
        $path = Join-Path (Resolve-Path $Folder) "tbl$name.csv"
        $writer = New-Object IO.StreamWriter $path, $false, (New-Object Text.UTF8Encoding $false)
        $rows = $command.ExecuteReader()
        try {
            $columns = 0..($rows.FieldCount - 1)
            $writer.Write((($columns | ForEach-Object { $rows.GetName($_) }) -join ',') + "`r`n")
            $count = 0
            $fields = New-Object string[] $rows.FieldCount
            while ($rows.Read()) {
                foreach ($column in $columns) {
                    $value = $rows.GetValue($column)
                    if ($value -is [DBNull]) { $fields[$column] = ''; continue }
                    if ($value -is [bool]) { $value = [int] $value }
                    if ($value -is [datetime]) {
                        $value = $value.ToString('yyyy-MM-ddTHH:mm:ss.fff', $culture)
                    }
                    $text = [Convert]::ToString($value, $culture)
                    $fields[$column] = '"' + $text.Replace('"', '""') + '"'
                }
                $writer.Write([string]::Join(',', $fields) + "`r`n")
                $count++
            }
        }
        finally { $rows.Close(); $writer.Close() }
        Write-Output "$table`: $count rows"
    }
}
finally { $connection.Close() }
